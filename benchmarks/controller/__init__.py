"""The controller on a real control plane: how fast it provisions and repairs, and what that costs."""
