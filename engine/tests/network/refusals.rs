//! Calls that do not fit together are errors that name both sides, and never a panic.

use super::{autoencoder, classifier, normal, params};
use narrows_engine::layer::{Backward, Forward, Op, Planned};
use narrows_engine::layers::{Linear, Relu};
use narrows_engine::params::ParamSpec;
use narrows_engine::{Context, Error, Gradients, Layer, Network, Params, Pass, PassMemory, Shape};

const BATCH: usize = 6;

/// Whether the error has all these words in it.
fn refused<T>(result: Result<T, Error>, words: &[&str]) {
    let message = result.err().expect(words[0]).to_string();
    assert!(words.iter().all(|word| message.contains(word)), "{message}, not {words:?}");
}

#[test]
fn a_backward_pass_uses_the_gradient_of_the_output_up() {
    let (cx, network) = (Context::new(1).unwrap(), classifier().build().unwrap());
    let (params, x) = (params(&network), normal(1, BATCH * 12));
    let mut memory = PassMemory::new(&network, BATCH).unwrap();
    let (mut grads, mut dx) = (vec![0.0; params.values().len()], vec![0.0; BATCH * 12]);
    let needed = &["gradient of the output", "output_and_gradient"];
    // Before any forward pass, and before it is set.
    memory.output_and_gradient();
    let gradients = Gradients::overwriting(&mut grads);
    refused(network.backward(&cx, &params, &mut memory, &x, gradients), needed);
    network.forward(&cx, &params, &mut memory, &x, Pass::train(1, 0)).unwrap();
    let gradients = Gradients::overwriting(&mut grads);
    refused(network.backward(&cx, &params, &mut memory, &x, gradients), needed);
    memory.output_and_gradient().1.copy_from_slice(&normal(2, BATCH * 3));
    let gradients = Gradients::overwriting(&mut grads);
    network.backward(&cx, &params, &mut memory, &x, gradients).unwrap();
    // It is gone, for parameters and input alike.
    refused(network.backward(&cx, &params, &mut memory, &x, Gradients::of_input(&mut dx)), needed);
    // A forward pass that fails leaves none, either.
    memory.output_and_gradient();
    network.forward(&cx, &params, &mut memory, &x[1..], Pass::evaluate()).unwrap_err();
    network.forward(&cx, &params, &mut memory, &x[..12], Pass::train(1, 0)).unwrap_err();
    refused(network.backward(&cx, &params, &mut memory, &x, Gradients::of_input(&mut dx)), needed);
}

#[test]
fn one_pass_gives_the_gradients_of_the_parameters_the_input_or_both() {
    let (cx, network) = (Context::new(1).unwrap(), autoencoder().build().unwrap());
    let (x, dy) = (normal(1, BATCH * 12), normal(2, BATCH * 12));
    for frozen in ["encoder", "decoder", "encoder.0.weight"] {
        let mut params = params(&network);
        params.set_trainable(frozen, false).unwrap();
        let mut memory = PassMemory::new(&network, BATCH).unwrap();
        let mut gradients = |with_params: bool, with_input: bool| {
            let (mut grads, mut dx) = (vec![7.0; params.values().len()], vec![7.0; x.len()]);
            network.forward(&cx, &params, &mut memory, &x, Pass::train(1, 0)).unwrap();
            memory.output_and_gradient().1.copy_from_slice(&dy);
            let gradients = Gradients {
                params: with_params.then_some(&mut grads[..]),
                input: with_input.then_some(&mut dx[..]),
                accumulate: true,
            };
            network.backward(&cx, &params, &mut memory, &x, gradients).unwrap();
            (grads, dx)
        };
        let (both, params_alone, input_alone) =
            (gradients(true, true), gradients(true, false), gradients(false, true));
        assert_eq!((&both.0, &both.1), (&params_alone.0, &input_alone.1), "{frozen} frozen");
        assert!(params_alone.1.iter().chain(&input_alone.0).all(|untouched| *untouched == 7.0));
        assert!(both.1.iter().any(|dx| *dx != 7.0) && both.0.iter().any(|g| *g != 7.0));
    }
}

#[test]
fn what_belongs_to_another_network_or_has_another_length_is_refused() {
    let cx = Context::new(1).unwrap();
    let (network, other) = (autoencoder().build().unwrap(), classifier().build().unwrap());
    let (ours, theirs) = (params(&network), params(&other));
    let x = normal(1, BATCH * 12);
    let train = Pass::train(1, 0);
    let mut memory = PassMemory::new(&network, BATCH).unwrap();
    let mut of_other = PassMemory::new(&other, BATCH).unwrap();
    let names = &["another network", "decoder.0.weight [8, 4]", "head.0.weight [5, 4]"];
    refused(network.forward(&cx, &theirs, &mut memory, &x, train), names);
    let sides = &["another network", "from 12 to 3", "from 12 to 12"];
    refused(network.forward(&cx, &ours, &mut of_other, &x, train), sides);

    let mut grads = vec![0.0; ours.values().len() + 1];
    let len = grads.len();
    let run =
        |params: &Params, memory: &mut PassMemory, x: &[f32], grads: &mut [f32], dx: &mut [f32]| {
            memory.output_and_gradient();
            let params_grads = (!grads.is_empty()).then_some(grads);
            let input = (!dx.is_empty()).then_some(dx);
            let gradients = Gradients { params: params_grads, accumulate: false, input };
            network.backward(&cx, params, memory, x, gradients)
        };
    network.forward(&cx, &ours, &mut memory, &x, train).unwrap();
    other.forward(&cx, &theirs, &mut of_other, &x, train).unwrap();
    refused(run(&theirs, &mut memory, &x, &mut [], &mut []), names);
    refused(run(&ours, &mut of_other, &x, &mut [], &mut []), sides);
    let [want, got] = [len - 1, len].map(|len| len.to_string());
    refused(run(&ours, &mut memory, &x, &mut grads, &mut []), &[&want, &got]);
    refused(run(&ours, &mut memory, &x, &mut [], &mut [0.0; 71]), &["72", "71", "gradient of x"]);
    refused(run(&ours, &mut memory, &x[1..], &mut [], &mut [0.0; 72]), &["72", "71", "in x"]);
    // Nothing of that used the gradient up.
    run(&ours, &mut memory, &x, &mut grads[..len - 1], &mut [0.0; 72]).unwrap();
}

#[test]
fn no_gradient_reaches_below_where_the_forward_pass_began() {
    let (cx, network) = (Context::new(1).unwrap(), classifier().build().unwrap());
    let mut params = params(&network);
    params.set_trainable("encoder", false).unwrap();
    let mut memory = PassMemory::new(&network, BATCH).unwrap();
    let x = normal(1, BATCH * 12);
    let codes = network.forward_frozen(&cx, &params, &mut memory, &x).unwrap().to_vec();
    let train = Pass::train(1, 0);
    network.forward_from_frozen(&cx, &params, &mut memory, &codes, train).unwrap();
    memory.output_and_gradient().1.fill(0.5);
    let mut dx = vec![0.0; x.len()];
    let gradients = Gradients::of_input(&mut dx);
    refused(
        network.backward(&cx, &params, &mut memory, &x, gradients),
        &["began at layer head.0", "encoder.0"],
    );
}

#[test]
fn no_room_and_no_name_are_refused() {
    let network = autoencoder().build().unwrap();
    refused(PassMemory::new(&network, 0), &["at least 1 sample", "0"]);
    refused(PassMemory::within(&network, 0, 1 << 20), &["at least 1 sample", "0"]);
    refused(Network::builder(3).section("").layer(Linear::new(2)).build(), &["section", "name"]);
}

/// Adds a learned value to each feature, and says what it is given.
#[derive(Debug)]
struct Shift;

#[derive(Debug)]
struct ShiftOp(Shape);

impl Layer for Shift {
    fn name(&self) -> &'static str {
        "shift"
    }
    fn plan(&self, input: &Shape) -> Result<Planned, Error> {
        Ok(Planned::new(input.clone(), ShiftOp(input.clone())))
    }
}

impl Op for ShiftOp {
    fn params(&self) -> Vec<ParamSpec> {
        Linear::new(self.0.len()).plan(&self.0).unwrap().op.params().split_off(1)
    }
    fn saved_len(&self, batch: usize) -> usize {
        batch + 1
    }
    fn scratch_len(&self, batch: usize) -> usize {
        2 * batch + 3
    }
    fn forward(&self, _: &Context, io: Forward<'_>) -> f64 {
        assert_eq!((io.saved.len(), io.scratch.len()), (io.batch + 1, 2 * io.batch + 3));
        for (i, y) in io.y.iter_mut().enumerate() {
            *y = io.x[i] + io.params[i % io.params.len()];
        }
        0.0
    }
    fn backward(&self, _: &Context, io: Backward<'_>) {
        assert_eq!((io.saved.len(), io.scratch.len()), (io.batch + 1, 2 * io.batch + 3));
        io.dx.into_iter().for_each(|dx| dx.copy_from_slice(io.dy));
    }
}

/// Other layers of the network, which need more, are no business of a layer's.
#[test]
fn a_layer_of_ones_own_is_given_the_lengths_that_it_asked_for() {
    let network = Network::builder(12).layer(Linear::new(50)).layer(Relu).layer(Shift);
    let network = network.layer(Linear::new(3)).build().unwrap();
    let params = params(&network);
    for batch in [1, 5] {
        let (x, dy) = (normal(1, batch * 12), normal(2, batch * 3));
        super::pass(&network, &params, &x, &dy, Pass::train(1, 0));
    }
}
