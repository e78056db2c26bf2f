"""The site: a module for each page, and what the pages share."""
