"""Write simulated nights of two use cases into the simulated account of this checkout (``make nights``)."""
