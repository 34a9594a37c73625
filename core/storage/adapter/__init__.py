"""Command adapters that Seamline writes for a native store, and the native place that one leads to."""
