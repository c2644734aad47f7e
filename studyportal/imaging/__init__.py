"""Imaging room: series received from the sites, de-identified, checked and paired."""
