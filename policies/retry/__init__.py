"""Try again where that is safe."""
