//! What a check has found, and how it is told: to people, or as JSON to programs.

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

/// The exit code of a check that has found something that needs attention.
pub(super) const FOUND: u8 = 3;

/// How grave it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Grade {
    /// Good to know; nothing is to be done.
    Note,
    /// It works, but may not be as it was meant.
    Warning,
    /// It does not work.
    Problem,
}

/// Something that a check has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) grade: Grade,
    /// What is so, in a sentence without a full stop.
    pub(super) what: String,
    /// What can be done about it.
    pub(super) remedy: Option<String>,
}

/// All that a check has found.
#[derive(Debug, Default)]
pub(super) struct Findings(pub(super) Vec<Finding>);

impl Grade {
    fn name(self) -> &'static str {
        match self {
            Grade::Note => "note",
            Grade::Warning => "warning",
            Grade::Problem => "problem",
        }
    }
}

impl Findings {
    pub(super) fn note(&mut self, what: impl Into<String>) {
        self.add(Grade::Note, what.into(), None);
    }

    pub(super) fn warn(&mut self, what: impl Into<String>, remedy: impl Into<String>) {
        self.add(Grade::Warning, what.into(), Some(remedy.into()));
    }

    pub(super) fn problem(&mut self, what: impl Into<String>, remedy: impl Into<String>) {
        self.add(Grade::Problem, what.into(), Some(remedy.into()));
    }

    fn add(&mut self, grade: Grade, what: String, remedy: Option<String>) {
        let remedy = remedy.filter(|remedy| !remedy.is_empty());
        self.0.push(Finding {
            grade,
            what,
            remedy,
        });
    }

    /// Whether something needs attention.
    pub(super) fn any(&self) -> bool {
        self.0.iter().any(|finding| finding.grade > Grade::Note)
    }

    /// Success, or [`FOUND`].
    pub(super) fn exit_code(&self) -> ExitCode {
        match self.any() {
            true => ExitCode::from(FOUND),
            false => ExitCode::SUCCESS,
        }
    }

    /// Prints them, the gravest first, one to a line with its remedy below.
    ///
    /// # Errors
    /// Nobody reads.
    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        for grade in [Grade::Problem, Grade::Warning, Grade::Note] {
            for finding in self.0.iter().filter(|finding| finding.grade == grade) {
                writeln!(out, "{}: {}", grade.name(), finding.what)?;
                if let Some(remedy) = &finding.remedy {
                    writeln!(out, "    {remedy}")?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn json(&self) -> Value {
        let one = |finding: &Finding| {
            json!({
                "grade": finding.grade.name(),
                "what": finding.what,
                "remedy": finding.remedy,
            })
        };
        self.0.iter().map(one).collect()
    }
}
