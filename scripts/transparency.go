//go:build ignore

// Verifies what Cardea writes with golang.org/x/mod/sumdb: the first argument says what.
package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(path string) string {
	data, err := os.ReadFile(path)
	check(err)
	return string(data)
}

func hash(text string) (hash tlog.Hash) {
	data, err := base64.StdEncoding.DecodeString(text)
	check(err)
	copy(hash[:], data)
	return hash
}

// open gives the lines of a note that the key signed.
func open(text, vkey string) []string {
	verifier, err := note.NewVerifier(vkey)
	check(err)
	opened, err := note.Open([]byte(text), note.VerifierList(verifier))
	check(err)
	return strings.Split(opened.Text, "\n")
}

func tree(text, vkey string) (int64, tlog.Hash) {
	lines := open(text, vkey)
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err)
	return size, hash(lines[2])
}

func hashes(lines []string) (hashes []tlog.Hash) {
	for _, line := range lines {
		if line != "" {
			hashes = append(hashes, hash(line))
		}
	}
	return hashes
}

func main() {
	vkey := os.Args[2]
	switch os.Args[1] {
	case "note":
		fmt.Print(strings.Join(open(read(os.Args[3]), vkey), "\n"))
	case "inclusion":
		parts := strings.SplitN(read(os.Args[3]), "\n\n", 2)
		lines := strings.Split(parts[0], "\n")
		leaf, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
		check(err)
		index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
		check(err)
		size, root := tree(parts[1], vkey)
		check(tlog.CheckRecord(hashes(lines[3:]), size, root, index, tlog.RecordHash(leaf)))
	case "consistency":
		old, oldRoot := tree(read(os.Args[3]), vkey)
		size, root := tree(read(os.Args[4]), vkey)
		check(tlog.CheckTree(hashes(strings.Split(read(os.Args[5]), "\n")), size, root, old, oldRoot))
	}
}
