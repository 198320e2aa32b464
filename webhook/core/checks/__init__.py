"""What the rules check. `webhook.core.rules` lists them and says why each is there.

A check is a pure function of Facts and Policy that yields a Violation for each thing wrong. Every
check runs on every request; none stops another.
"""
