"""Exports: files in a fixed order with data dictionary, checksums and provenance; every download is audited."""
