"""The one road by which a store is changed: plan, preview, apply, resume, undo (`recovery.md`, "Changes")."""
