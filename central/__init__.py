"""The desk: ingest, store, feed, review, access, web pages."""
