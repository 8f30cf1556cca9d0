//! A gate: so many pass at once, others wait in a short line that is fair between networks, and who finds the line full
//! is sent away.
//!
//! Fair means: of those that wait, the next to pass comes from the network that has the fewest inside; and a network
//! that has more in a full line than the newcomer's gives up its last place for him. One flood cannot shut others out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::client::Network;

/// A gate. Cheap to clone: all clones are the same gate.
#[derive(Clone)]
pub(super) struct Gate(Arc<Mutex<State>>);

/// How it stands with a gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// How many may be inside at once.
    pub most: usize,
    /// How many are inside.
    pub inside: usize,
    /// How many wait in line.
    pub waiting: usize,
    /// How many were sent away since the start.
    pub refused: u64,
}

struct State {
    most: usize,
    inside: usize,
    inside_by: HashMap<Network, usize>,
    /// In the order of arrival.
    line: Vec<Waiter>,
    longest: usize,
    refused: u64,
}

struct Waiter {
    from: Network,
    /// Has been inside already, and only stepped out: is never sent away.
    returns: bool,
    wake: oneshot::Sender<Pass>,
}

/// The leave to be inside, until it is dropped.
pub(super) struct Pass {
    /// `None` when it has been given back.
    gate: Option<Gate>,
    from: Network,
}

/// The line was full, or did not move for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Gate {
    /// A gate that lets `most` in at once, with a line of at most `longest`.
    pub(super) fn new(most: usize, longest: usize) -> Gate {
        Gate(Arc::new(Mutex::new(State {
            most: most.max(1),
            inside: 0,
            inside_by: HashMap::new(),
            line: Vec::new(),
            longest,
            refused: 0,
        })))
    }

    /// Goes in, after waiting no longer than `patience`.
    pub(super) async fn enter(&self, from: Network, patience: Duration) -> Result<Pass, Full> {
        let turn = match self.knock(from) {
            Knock::Passed(pass) => return Ok(pass),
            Knock::SentAway => return Err(Full),
            Knock::Waits(turn) => turn,
        };
        // Dropping the wait leaves the line.
        match timeout(patience, turn).await {
            Ok(Ok(pass)) => Ok(pass),
            _ => {
                self.state().refused += 1;
                Err(Full)
            }
        }
    }

    /// Goes in again after having stepped out; waits as long as it takes.
    pub(super) async fn return_to(&self, from: Network) -> Option<Pass> {
        let turn = {
            let mut state = self.state();
            if state.has_room() {
                return Some(self.pass(&mut state, from));
            }
            state.join(from, true)
        };
        turn.await.ok()
    }

    /// Counts one who was sent away before he came here.
    pub(super) fn refuse(&self) {
        self.state().refused += 1;
    }

    /// How it stands.
    pub(super) fn load(&self) -> Load {
        let mut state = self.state();
        state.tidy();
        Load {
            most: state.most,
            inside: state.inside,
            waiting: state.line.len(),
            refused: state.refused,
        }
    }

    /// Whether anybody waits.
    pub(super) fn is_wanted(&self) -> bool {
        self.state().line.iter().any(|w| !w.wake.is_closed())
    }

    fn knock(&self, from: Network) -> Knock {
        let mut state = self.state();
        if state.has_room() {
            return Knock::Passed(self.pass(&mut state, from));
        }
        state.tidy();
        if state.line.len() >= state.longest && !state.make_room_for(from) {
            state.refused += 1;
            return Knock::SentAway;
        }
        Knock::Waits(state.join(from, false))
    }

    fn pass(&self, state: &mut State, from: Network) -> Pass {
        state.inside += 1;
        *state.inside_by.entry(from).or_default() += 1;
        Pass {
            gate: Some(self.clone()),
            from,
        }
    }

    fn leave(&self, from: Network) {
        let mut state = self.state();
        state.inside -= 1;
        if let Some(count) = state.inside_by.get_mut(&from) {
            *count -= 1;
            if *count == 0 {
                state.inside_by.remove(&from);
            }
        }
        while state.inside < state.most
            && let Some(next) = state.next()
        {
            let pass = self.pass(&mut state, next.from);
            if let Err(mut unwanted) = next.wake.send(pass) {
                // He has just left. His pass must not come back here by itself: the lock is held.
                unwanted.gate = None;
                state.inside -= 1;
                state.forget(next.from);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Knock {
    Passed(Pass),
    Waits(oneshot::Receiver<Pass>),
    SentAway,
}

impl State {
    fn has_room(&self) -> bool {
        self.inside < self.most && self.line.is_empty()
    }

    fn join(&mut self, from: Network, returns: bool) -> oneshot::Receiver<Pass> {
        let (wake, turn) = oneshot::channel();
        self.line.push(Waiter {
            from,
            returns,
            wake,
        });
        turn
    }

    /// Takes those out of the line who have given up.
    fn tidy(&mut self) {
        self.line.retain(|waiter| !waiter.wake.is_closed());
    }

    /// Who passes next: the first of the network that has the fewest inside.
    fn next(&mut self) -> Option<Waiter> {
        self.tidy();
        let inside = |waiter: &Waiter| self.inside_by.get(&waiter.from).copied().unwrap_or(0);
        let next = (0..self.line.len()).min_by_key(|at| self.line.get(*at).map(inside))?;
        Some(self.line.remove(next))
    }

    /// Sends the last one of the network away that has the most in line, if that is more than the newcomer would have.
    fn make_room_for(&mut self, from: Network) -> bool {
        let mut waiting: HashMap<Network, usize> = HashMap::new();
        for waiter in self.line.iter().filter(|waiter| !waiter.returns) {
            *waiting.entry(waiter.from).or_default() += 1;
        }
        let ours = waiting.get(&from).copied().unwrap_or(0);
        let Some((greediest, most)) = waiting.into_iter().max_by_key(|(_, count)| *count) else {
            return false;
        };
        if most <= ours + 1 {
            return false;
        }
        let last = self
            .line
            .iter()
            .rposition(|waiter| waiter.from == greediest && !waiter.returns);
        // Dropping the sender tells him.
        last.map(|at| self.line.remove(at)).is_some()
    }

    fn forget(&mut self, from: Network) {
        if let Some(count) = self.inside_by.get_mut(&from) {
            *count -= 1;
            if *count == 0 {
                self.inside_by.remove(&from);
            }
        }
    }
}

impl Pass {
    /// Whose it is.
    pub(super) fn from(&self) -> Network {
        self.from
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(gate) = self.gate.take() {
            gate.leave(self.from);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Full, Gate, Load};
    use crate::web::client::Network;

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(20);

    fn net(n: u8) -> Network {
        Network::V4([192, 0, n])
    }

    /// Lets everybody who is ready come as far as he can.
    async fn settle() {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }

    /// Stands in line; says who he is when he is in, and leaves at once.
    fn stands(gate: &Gate, from: Network, said: &tokio::sync::mpsc::UnboundedSender<Said>) {
        let (gate, said) = (gate.clone(), said.clone());
        tokio::spawn(async move {
            let passed = gate.enter(from, LONG).await.map(drop);
            said.send((from, passed)).ok();
        });
    }

    type Said = (Network, Result<(), Full>);

    #[tokio::test]
    async fn so_many_pass_and_the_next_waits_for_one_to_leave() {
        let gate = Gate::new(2, 1);
        let first = gate.enter(net(1), SHORT).await.unwrap();
        let _second = gate.enter(net(1), SHORT).await.unwrap();
        assert!(gate.enter(net(1), SHORT).await.is_err());
        let waits = tokio::spawn({
            let gate = gate.clone();
            async move { gate.enter(net(2), LONG).await.is_ok() }
        });
        settle().await;
        assert!(gate.is_wanted());
        drop(first);
        assert!(waits.await.unwrap());
        let load = Load {
            most: 2,
            inside: 1,
            waiting: 0,
            refused: 1,
        };
        assert_eq!(gate.load(), load);
    }

    #[tokio::test]
    async fn whoever_has_fewest_inside_is_next() {
        let gate = Gate::new(2, 10);
        let (said, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let first = gate.enter(net(1), SHORT).await.unwrap();
        let second = gate.enter(net(1), SHORT).await.unwrap();
        for from in [1, 1, 2] {
            stands(&gate, net(from), &said);
            settle().await;
        }
        drop(first);
        assert_eq!(heard.recv().await.unwrap().0, net(2));
        drop(second);
        assert_eq!(heard.recv().await.unwrap().0, net(1));
    }

    #[tokio::test]
    async fn a_full_line_makes_room_for_a_network_that_has_less_in_it() {
        let gate = Gate::new(1, 3);
        let (said, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let inside = gate.enter(net(9), SHORT).await.unwrap();
        for from in [1, 1, 1] {
            stands(&gate, net(from), &said);
            settle().await;
        }
        stands(&gate, net(2), &said);
        assert_eq!(heard.recv().await.unwrap(), (net(1), Err(Full)));
        // Two of one network, one of another: a third network gets in, a second of the other does not.
        assert!(gate.enter(net(2), LONG).await.is_err());
        stands(&gate, net(3), &said);
        assert_eq!(heard.recv().await.unwrap(), (net(1), Err(Full)));
        // Now everybody has one, and nobody has to give way.
        assert!(gate.enter(net(4), LONG).await.is_err());
        drop(inside);
        let mut passed = Vec::new();
        for _ in 0..3 {
            passed.push(heard.recv().await.unwrap());
        }
        assert_eq!(passed, [1, 2, 3].map(|n| (net(n), Ok(()))));
    }

    #[tokio::test]
    async fn who_gives_up_leaves_the_line_and_holds_nothing() {
        let gate = Gate::new(1, 1);
        let inside = gate.enter(net(1), SHORT).await.unwrap();
        let gone = tokio::spawn({
            let gate = gate.clone();
            async move { gate.enter(net(2), LONG).await.is_ok() }
        });
        settle().await;
        gone.abort();
        assert!(gone.await.is_err());
        assert_eq!(gate.load().waiting, 0);
        assert!(!gate.is_wanted());
        drop(inside);
        let again = gate.enter(net(3), SHORT).await.unwrap();
        drop(again);
        assert_eq!(gate.load().inside, 0);
    }

    #[tokio::test]
    async fn who_returns_is_never_sent_away() {
        let gate = Gate::new(1, 0);
        let inside = gate.enter(net(1), SHORT).await.unwrap();
        let returns = tokio::spawn({
            let gate = gate.clone();
            async move { gate.return_to(net(2)).await.is_some() }
        });
        settle().await;
        assert!(gate.enter(net(3), LONG).await.is_err(), "the line is full");
        drop(inside);
        assert!(returns.await.unwrap());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn in_a_crowd_no_pass_is_lost() {
        let gate = Gate::new(3, 40);
        let crowd: Vec<_> = (0..400_u32)
            .map(|n| {
                let gate = gate.clone();
                tokio::spawn(async move {
                    let patience = Duration::from_micros(u64::from(n % 7) * 300);
                    let pass = gate.enter(net((n % 11) as u8), patience).await;
                    tokio::time::sleep(Duration::from_micros(u64::from(n % 5) * 100)).await;
                    drop(pass);
                })
            })
            .collect();
        for visitor in crowd {
            visitor.await.unwrap();
        }
        let load = gate.load();
        assert_eq!((load.inside, load.waiting), (0, 0));
        assert!(gate.0.lock().unwrap().inside_by.is_empty());
    }
}
