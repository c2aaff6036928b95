"""Numbers taken apart: mantissa and exponent, quotient and remainder."""
