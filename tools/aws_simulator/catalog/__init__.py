"""The facts about models on which the simulator's behaviour depends: ids, life cycles, capabilities, limits."""
