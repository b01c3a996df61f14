extension CommonPasswords {
    /// In lower case.
    static let wellKnown = """
        12345678 123456789 1234567890 0123456789 987654321 9876543210 0987654321 87654321 11111111 111111111 1111111111 00000000
        000000000 0000000000 22222222 33333333 44444444 55555555 66666666 77777777 88888888 99999999 12341234 123123123 12344321
        123321123 123454321 1234554321 12121212 1212121212 10203040 11223344 1122334455 112233445566 11112222 13131313 14141414
        20202020 69696969 98765432 13579135 147258369 147852369 159753258 159357258 741852963 789456123 963852741 123456789a
        12345678a 123456789q 1234567890q a12345678 a123456789 q123456789 1a2b3c4d 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx
        1qaz2wsx3edc 1qaz2wsx3edc4rfv 1qazxsw2 zaq12wsx zaq1zaq1 zaq1xsw2 qaz123wsx qazwsx123 qazwsxedc qazwsxedcrfv q1w2e3r4
        q1w2e3r4t5 q1w2e3r4t5y6 qwer1234 qwerasdf qwert123 qwert12345 qwerty12 qwerty123 qwerty1234 qwerty12345 qwerty123456
        qwertyui qwertyuiop qwertyuiop123 qwertyuiop[] qwertzui qwertzuiop qweasdzxc qweqweqwe qwe123qwe 123qweasd 123qwe123
        1234qwer 12345qwert 123456qwerty asdfasdf asdf1234 asdfghjk asdfghjkl asdfghjkl123 asdfghjkl; asdqwe123 asdasdasd asd123asd
        zxcvbnm1 zxcvbnm123 zxcvbnm, zxcvbnm,./ zxcvzxcv zxc123zxc azertyui azertyuiop azerty123 abcd1234 abcd12345 abcde123
        abcdefgh abcdefghi abcdefghij abcdefghijk abcdefghijklmnop abc12345 abc123456 abc123abc abcabcabc 1234abcd 123abc123
        aa123456 aa12345678 aaaa1111 asdf;lkj password password0 password01 password1 password1! password2 password3 password12
        password123 password123! password1234 password12345 password123456 password1234567 password2020 password2021 password2022
        password2023 password2024 password2025 password2026 passwordpassword passw0rd passw0rd1 passw0rd! p@ssw0rd p@ssw0rd1
        p@ssw0rd123 p@ssword p@ssword1 p@ssword123 p4ssw0rd pa$$w0rd pa$$word pa55word pa55w0rd passwort passwort1 passwort123
        motdepasse contrasena contraseña senha123 senha1234 parola123 haslo123 wachtwoord lozinka1 salasana parool123 mypassword
        mypassword1 mypassword123 newpassword oldpassword thepassword nopassword password! password? password. password@ password@1
        password@123 password#1 yourpassword userpassword adminpassword rootpassword testpassword changeme changeme1 changeme123
        changeme! changethis changeit letmein1 letmein! letmein123 letmeinnow letmeinplease iloveyou iloveyou1 iloveyou2 iloveyou!
        iloveyou123 iloveyouforever iloveu123 loveyou123 lovelove lovely123 iloveme1 ilovegod iloveyou3000 welcome1 welcome1!
        welcome12 welcome123 welcome1234 welcome12345 welcome2020 welcome2021 welcome2022 welcome2023 welcome2024 welcome2025
        welcome2026 welcome@1 welcome@123 admin123 admin1234 admin12345 admin123456 admin@123 admin!23 adminadmin administrator
        administrator1 root1234 rootroot toor1234 test1234 test12345 test123456 testtest testtest1 testing1 testing123 guest123
        guest1234 user1234 username username1 default1 default123 temp1234 temp12345 temporary temppass password-123 secret123
        secret1234 topsecret topsecret1 supersecret supersecret1 monkey12 monkey123 monkey1234 dragon12 dragon123 dragon1234
        master12 master123 master1234 shadow12 shadow123 shadow1234 sunshine sunshine1 sunshine12 sunshine123 princess princess1
        princess12 princess123 football football1 football12 football123 baseball baseball1 baseball123 basketball basketball1
        superman superman1 superman123 batman12 batman123 spiderman spiderman1 ironman123 starwars starwars1 starwars123
        pokemon1 pokemon123 naruto12 naruto123 minecraft minecraft1 minecraft123 fortnite1 nintendo playstation xbox360360
        whatever whatever1 whatever123 trustno1 trustno1! jordan23 michael1 michael123 jennifer jennifer1 jessica1 jessica123
        ashley12 ashley123 charlie1 charlie123 andrew123 daniel12 daniel123 thomas123 robert123 matthew1 joshua12 anthony1
        nicole12 nicole123 samantha samantha1 elizabeth elizabeth1 victoria victoria1 alexander alexander1 benjamin
        benjamin1 christian christian1 christopher jonathan jonathan1 patrick1 sebastian chocolate chocolate1 butterfly butterfly1
        computer computer1 computer123 internet internet1 internet123 samsung1 samsung123 google12 google123 facebook facebook1
        facebook123 instagram linkedin linkedin1 twitter1 microsoft windows1 windows10 liverpool liverpool1 arsenal1 chelsea1
        barcelona barcelona1 realmadrid juventus manchester manutd123 steelers cowboys1 yankees1 lakers24 mustang1 mercedes
        porsche911 corvette ferrari1 harley123 harleydavidson hello123 hello1234 hello12345 hellohello helloworld helloworld1
        hello@123 goodbye1 blink182 metallica slipknot nirvana1 rockstar rockstar1 guitar123 eminem123 summer01 summer12 summer123
        summer2020 summer2021 summer2022 summer2023 summer2024 summer2025 summer2026 winter01 winter123 winter2020 winter2021
        winter2022 winter2023 winter2024 winter2025 winter2026 spring2020 spring2021 spring2022 spring2023 spring2024 spring2025
        spring2026 autumn2020 autumn2021 autumn2022 autumn2023 autumn2024 autumn2025 autumn2026 january1 february monday01 friday13
        september december october1 november angel123 angels123 babygirl babygirl1 babygirl123 sweetheart sweetie1 cookie123
        buttercup cupcake1 peaches1 strawberry pineapple blueberry cheese123 bubbles1 snoopy123 scooby12 mickey123 tigger12
        tinkerbell hellokitty garfield simpsons southpark killer123 hunter12 hunter123 ranger123 soldier1 warrior1 maverick
        gandalf1 frodo123 matrix123 phoenix1 thunder1 lightning hurricane tornado1 midnight midnight1 moonlight starlight sunflower
        rainbow1 rainbow123 diamond1 crystal1 platinum goldfish elephant penguin1 dolphin1 dolphins tiger123 lion1234 eagle123
        falcon123 panther1 wolf1234 doggy123 kitty123 puppy123 money123 dollar123 million1 lucky123 lucky777 jesus123 jesuschrist
        blessed1 heaven123 forever1 forever21 nothing1 something unknown1 zaqwsx123 correcthorsebatterystaple
        correct-horse-battery-staple correcthorse
        passwordpassword1 passwordpassword123 1234567812345678 123456781234567 1234567890123456 123456789012345 12345678901234567890
        123123123123123 qwertyqwertyqwerty qwertyuiopasdfgh qwertyuiopasdfghjkl qwertyuiopasdfghjklzxcvbnm qazwsxedcrfvtgb
        1q2w3e4r5t6y7u8i 1q2w3e4r5t6y7u8i9o0p 1qaz2wsx3edc4rfv5tgb thequickbrownfox iloveyouiloveyou administrator123
        """
}
