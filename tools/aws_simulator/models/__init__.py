"""Small programs that play the teacher, student, judge and critic. Their results say nothing about real models."""
