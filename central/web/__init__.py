"""The desk's pages: server-rendered, then kept live by small ES modules. Nothing comes from other hosts."""
