"""Small programs that stand for the models of a distillation; they say nothing about real ones."""
