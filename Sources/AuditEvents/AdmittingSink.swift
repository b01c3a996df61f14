/// A sink that can tell beforehand that it would refuse, so that nothing is done which could not be recorded.
public protocol AdmittingSink: EventSink {
    /// Returns when an event recorded now would find a place; costs nothing worth mentioning and waits for nothing.
    ///
    /// - Throws: `SinkRefusal` where `record` would throw it.
    func admit() throws(SinkRefusal)
}
