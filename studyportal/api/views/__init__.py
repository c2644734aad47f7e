"""Thin views: parse, ask for the right, call one service, dispatch after commit, answer."""
