"""Small serializers: parsing of bodies and shapes of answers, no rules."""
