"""The locked analysis: from measurements to result rows."""
