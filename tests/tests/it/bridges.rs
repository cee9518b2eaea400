//! The recipes that the documentation shows are the files that the other tests run, word for word.

const DOCUMENTATION: &str = include_str!("../../../crates/core/docs/recipes.md");

/// The maximum length of a recipe, in lines.
const MAX_LINES: usize = 40;

#[test]
fn the_documentation_shows_what_the_tests_run_and_each_recipe_is_short() {
    let mut shown: Vec<_> = DOCUMENTATION.split("```").skip(1).step_by(2).collect();
    for recipe in [
        include_str!("metrics/otel_bridge.rs"),
        include_str!("otel_traces.rs"),
        include_str!("metrics/prometheus_bridge.rs"),
    ] {
        let lines: Vec<_> =
            recipe.lines().skip_while(|line| line.starts_with("//!") || line.is_empty()).collect();
        assert!(lines.len() <= MAX_LINES, "{} lines: {recipe}", lines.len());
        let expected = format!("rust,ignore\n{}\n", lines.join("\n").replace("pub(super)", "pub"));
        let position = shown.iter().position(|shown| *shown == expected);
        shown
            .remove(position.unwrap_or_else(|| panic!("crates/core/docs/recipes.md must show:\n{expected}")));
    }
    assert!(shown.is_empty(), "no test runs {shown:?}");
}
