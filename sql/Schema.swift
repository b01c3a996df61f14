public enum Schema { public static var all: [UInt8] { PackageResources.seal_sql } }
