"""The CEL conformance tests that do not apply, each by name with the reason.

The tests whose messages need protobuf are told apart by rule (see `needs_protobuf`); these are the others.
"""

STATIC = "the static check refuses it before it runs, and should: {}"
UNKNOWN = STATIC.format("a name or a function that does not exist")
TYPES = STATIC.format("these types can never go together")
CONDITION = STATIC.format("no condition")
CONTAINER = "there are no containers: a name stands for itself"
PREFIX = "a name has no points: a.b is the field b of a"
MICROSECONDS = "times are kept to the microsecond, as PostgreSQL and DuckDB keep them"
CONTRADICTION = "the expected bytes have a backslash that the text has not"

EXCLUDED: dict[str, str] = {
    "basic/variables/unbound_is_runtime_error": UNKNOWN,
    "basic/functions/unbound_is_runtime_error": UNKNOWN,
    **{
        f"parse/receiver_function_names/{name}": UNKNOWN
        for name in [
            "as",
            "break",
            "const",
            "continue",
            "else",
            "for",
            "function",
            "if",
            "import",
            "let",
            "loop",
            "package",
            "namespace",
            "return",
            "var",
            "void",
            "while",
        ]
    },
    "comparisons/eq_literal/not_eq_list_length": TYPES,
    "comparisons/in_list_literal/elem_in_mixed_type_list": TYPES,
    "comparisons/in_list_literal/elem_in_mixed_type_list_cross_type": TYPES,
    "logic/conditional/mixed_type": TYPES,
    "logic/AND/short_circuit_type_left": CONDITION,
    "logic/AND/short_circuit_type_right": CONDITION,
    "logic/OR/short_circuit_type_left": CONDITION,
    "logic/OR/short_circuit_type_right": CONDITION,
    "namespace/namespace/self_eval_container_lookup": CONTAINER,
    "namespace/namespace/self_eval_container_lookup_unchecked": CONTAINER,
    "namespace/namespace_shadowing/basic": CONTAINER,
    "namespace/namespace_shadowing/disambiguation": CONTAINER,
    "namespace/namespace_shadowing/comprehension_shadowing_disambiguation": CONTAINER,
    "namespace/namespace_shadowing/comprehension_shadowing_namespaced_selector_disambiguation": CONTAINER,
    "fields/qualified_identifier_resolution/qualified_identifier_resolution_unchecked": PREFIX,
    "fields/qualified_identifier_resolution/ident_with_longest_prefix_check": PREFIX,
    "parse/bytes_literals/triple_single_quoted_unescaped_punctuation": CONTRADICTION,
    "parse/bytes_literals/triple_double_quoted_unescaped_punctuation": CONTRADICTION,
    "timestamps/timestamp_conversions/toString_timestamp_nanos": MICROSECONDS,
    "timestamps/timestamp_arithmetic/add_time_to_duration_nanos_negative": MICROSECONDS,
    "timestamps/timestamp_arithmetic/add_time_to_duration_nanos_positive": MICROSECONDS,
    "timestamps/timestamp_range/add_duration_nanos_over": MICROSECONDS,
    "timestamps/timestamp_range/add_duration_nanos_under": MICROSECONDS,
}
