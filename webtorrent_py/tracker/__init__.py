"""Signalling: finding peers, and exchanging offers and answers with them, through WebSocket trackers."""
