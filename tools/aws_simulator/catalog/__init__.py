"""The simulator's facts about models, which determine its behaviour: ids, life cycles, capabilities, limits."""
