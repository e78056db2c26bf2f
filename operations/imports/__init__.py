"""`killreport import …`: history from zKillboard, from the public archive, and from an older killboard."""
