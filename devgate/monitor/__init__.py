"""Looking without touching: what is asked of services beside their probes. `sync` compares their shared-knowledge versions."""
