"""Joins detections of successive looks to tracks."""
