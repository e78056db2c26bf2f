"""Corporations that are followed, through whom, and who sees their board."""
