"""Pure rules of imaging: de-identification, checks of series and pairs, refusals in words."""
