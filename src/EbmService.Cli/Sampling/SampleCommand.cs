using System.CommandLine;

namespace EbmService.Cli.Sampling;

/// <summary><c>ebm sample</c>.</summary>
internal static class SampleCommand
{
    private const string Notes = """
        Runs a sampling job on the service's own engine, started here for it on a folder in the system's temporary one: the same spec and
        seed give the same bits. Writes samples.png, samples.npy, energies.npy, trace.json and card.json to --out, with --thin also
        trajectory.npy. The card holds the whole spec,
        seed included: --spec card.json draws the same samples again. Members without an option (schedules, clips, clamps, held parts,
        settings of a kernel) go into the file of --spec. docs/sampling.md explains all of it; 'ebm plot' draws the results.

        Examples:
          ebm sample deploy/models/mnist-jem --chains 40 --labels 0,1,2,3,4,5,6,7,8,9 --seed 1 --out digits
          ebm sample deploy/models/two-moons --kernel mala --chains 64 --steps 20000 --until-ess 1000 --until-rhat 1.01 --out moons
          ebm sample deploy/models/two-moons --kernel hmc --temperatures 1,2,4,8 --thin 10 --out exchange
          ebm sample deploy/models/mnist-jem --spec digits/card.json --start-from digits --steps 500 --out longer

        Exit codes: 0 done, 1 failed, 2 bad usage or input, 130 Ctrl-C.
        """;

    public static Command Create(CliEnvironment environment)
    {
        var folder = new Argument<string>("model-folder") { Description = "Folder with model.json and at least one version." };
        var version = new Option<string?>("--version") { Description = "Default: the newest.", HelpName = "NAME" };
        var output = new Option<string>("--out") { Description = "Folder for the files.", DefaultValueFactory = _ => "samples", HelpName = "DIR" };
        var options = new SampleOptions();
        var command = new Command("sample", "Draws samples from a model by a Markov chain.") { folder, version };
        options.AddTo(command);
        command.Options.Add(output);
        command.SetAction((parsed, cancellationToken) => new SampleRunner(
            environment, parsed.GetRequiredValue(folder), parsed.GetValue(version), options.Read(parsed), parsed.GetRequiredValue(output))
            .RunAsync(cancellationToken));
        return command.WithNotes(Notes);
    }
}
