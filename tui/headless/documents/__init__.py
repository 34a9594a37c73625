"""Engine results as JSON documents: pure functions, all fields of the contract with scripts.

Integers are JSON integers. Fields are added, never renamed. Text of a store
stands in them as it is; `json_text` makes it harmless.
"""
