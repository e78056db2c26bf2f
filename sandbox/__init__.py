"""Stand in for the world on one machine: real services from wheels, and an EVE of our own."""
