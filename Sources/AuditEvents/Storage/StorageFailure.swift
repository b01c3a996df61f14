/// An error by which a store can say that it may be over in a moment: clients are then told to come back (503), not that something is broken.
public protocol StorageFailure: Error {
    /// Whether the same may succeed soon: the store is away, or too busy.
    var isTransient: Bool { get }
}
