"""Split the sample's rows for the use case ``promote_demo``, and show a promotion, a call and a rollback."""
