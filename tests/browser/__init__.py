"""Tests in real browsers, against real peers."""
