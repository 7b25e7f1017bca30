using System.CommandLine;
using EbmService.Benchmarks;
using EbmService.Benchmarks.Plain;

var quick = new Option<bool>("--quick") { Description = "Seconds instead of minutes: shows that everything runs, measures nothing." };
var output = new Option<string?>("--out") { Description = "The report to write (.md; raw figures go beside it as .json). Default: the console only." };
var models = new Option<string?>("--models") { Description = "Model repository. Default: the bundled one." };
var rounds = new Option<int>("--rounds") { Description = "Rounds of every comparison.", DefaultValueFactory = _ => 5 };
var only = new Option<string?>("--only") { Description = $"Measurements by name, with commas between. Default: all, which are {MeasurementList.Names}." };

var root = new RootCommand("Measures the service against plain torch loops in the same run, interleaved.") { quick, output, models, rounds, only };
only.Validators.Add(result =>
{
    if (MeasurementList.Unknown(result.GetValue(only)) is { } name)
        result.AddError($"No measurement is named '{name}'; there are {MeasurementList.Names}.");
});

root.SetAction((result, cancel) => BenchmarkRun.RunAsync(
    new BenchmarkOptions(
        result.GetValue(quick), result.GetValue(output), result.GetValue(models), result.GetValue(rounds), result.GetValue(only)), cancel));

// The baseline's own process, so that its threads and the service's don't mix.
var folder = new Argument<string>("version-folder");
var plain = new Command(LoopProcess.Verb, "Runs plain loops as asked on standard input.") { folder };
plain.Hidden = true;
plain.SetAction(result => PlainServer.Run(result.GetValue(folder)!, Console.In, Console.Out));
root.Add(plain);

// What HTTP costs by itself.
var nothing = new Command(NothingServer.Verb, "Answers every request with one number until standard input ends.") { Hidden = true };
nothing.SetAction((_, _) => NothingServer.RunAsync(Console.In, Console.Out));
root.Add(nothing);

return await root.Parse(args).InvokeAsync();
