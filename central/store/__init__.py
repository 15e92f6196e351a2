"""Where events live: one protocol, one implementation a database."""
