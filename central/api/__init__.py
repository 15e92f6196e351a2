"""HTTP routes: they translate between requests and the parts of central, and hold no SQL and no rules."""
