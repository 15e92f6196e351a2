"""The sentry: sources -> gate -> detect -> track -> rules -> outbox -> uplink."""
