using System.Runtime.InteropServices;
using EbmService.Cli;

using var stop = new CancellationTokenSource();
// The first Ctrl-C asks for an orderly end; a second one is left to the system.
void Stop(PosixSignalContext signal)
{
    signal.Cancel = !stop.IsCancellationRequested;
    stop.Cancel();
}

using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
return await CliApplication.RunAsync(args, CliEnvironment.OfProcess(), stop.Token);
