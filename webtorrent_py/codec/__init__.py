"""Values without state: bencoding, metainfo, magnet links, bitfields."""
