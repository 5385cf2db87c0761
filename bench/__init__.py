"""The numbers of the README: measured, never asserted, printed with the machine."""
