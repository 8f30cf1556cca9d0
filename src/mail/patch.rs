//! Is this text a patch?

use super::lines::lines;

/// Whether a text holds a diff that git or patch would take: cheap, and without looking into hunks.
pub fn is_patch(text: &str) -> bool {
    let mut before = "";
    lines(text).any(|line| {
        let found = line.starts_with("diff --git ")
            || (line.starts_with("+++ ") && before.starts_with("--- "));
        before = line;
        found
    })
}

#[cfg(test)]
mod tests {
    use super::is_patch;

    #[test]
    fn a_patch_has_the_head_of_a_diff() {
        for (text, patch) in [
            ("hi\n\ndiff --git a/x b/x\n", true),
            ("--- a/x\n+++ b/x\n@@ -1 +1 @@\n", true),
            ("--- \nsomebody\n+++ nothing\n", false),
            ("> diff --git a/x b/x\n", false),
        ] {
            assert_eq!(is_patch(text), patch, "{text}");
        }
    }
}
