"""Language models behind one port; torch is imported only by the engine that needs it."""
