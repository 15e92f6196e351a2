"""What edge and central agree on: event record, wire batch, camera config, geometry, redaction.

Text in, values out: nothing here reads a file, a socket or a clock, and numpy is not imported.
"""
