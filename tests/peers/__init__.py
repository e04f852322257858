"""Peers, trackers and hosts that the tests meet: real ones, and scripted ones that misbehave."""
