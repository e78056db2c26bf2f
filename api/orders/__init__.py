"""What a pilot may ask us to do: for their account, their syncs, their corporations and imports."""
