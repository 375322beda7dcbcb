"""From a question to an answer: history, prompt, quota, the words around a model."""
