using System.CommandLine;
using System.Globalization;
using EbmService.Core.Jobs;
using EbmService.Jobs;
using EbmService.Jobs.Keys;
using Microsoft.Extensions.DependencyInjection;

namespace EbmService.Cli.Keys;

/// <summary><c>ebm keys create</c>, <c>ebm keys list</c> and <c>ebm keys revoke</c>.</summary>
internal static class KeysCommand
{
    private const string Notes = """
        Keys are kept in the service's data folder, as hashes. The service may run meanwhile: it takes a new key, and refuses a revoked one,
        after about a second. The first key closes the service: requests without a key are answered 401 from then on, also when all keys are
        revoked. Whoever can write the data folder can make keys.

        Scopes: infer (short questions), jobs (jobs, results, events, datasets), models:admin (upload, load, unload, compose, train),
        metrics (/metrics). A key belongs to one tenant and reaches that tenant's jobs, results and datasets only.

        Examples:
          ebm keys create --name dashboard --scopes infer,jobs
          ebm keys create --name ci --scopes jobs --tenant team-a --expires 30d
          ebm keys list
          ebm keys revoke 3f9a1c2b7d4e

        Exit codes: 0 done, 1 the folder can't be read or written, 2 bad usage, or no key of that id.
        """;

    public static Command Create(CliEnvironment environment) => new("keys", "Makes, lists and revokes the keys of a service.")
    {
        CreateOne(environment),
        List(environment),
        Revoke(environment),
    };

    private static Option<string> Data() => new("--data")
    {
        Description = "The service's data folder (Storage:DataPath).", DefaultValueFactory = _ => "data",
    };

    private static Command CreateOne(CliEnvironment environment)
    {
        Option<string> data = Data();
        var name = new Option<string>("--name") { Description = "What the key is for; shown in lists and logs.", Required = true };
        var scopes = new Option<string[]>("--scopes")
        {
            Description = $"What it may do, separated by commas: {string.Join(", ", ApiKeyScopes.All)}.", Required = true, AllowMultipleArgumentsPerToken = true,
        };
        var tenant = new Option<string>("--tenant") { Description = "Whom it belongs to.", DefaultValueFactory = _ => JobSnapshot.DefaultTenant };
        var expires = new Option<string?>("--expires") { Description = "When it ends: 12h, 30d, or a date such as 2027-01-31 (UTC). Never by default." };
        var command = new Command("create", "Makes a key and prints it, once.") { data, name, scopes, tenant, expires };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using ServiceProvider services = Services(environment, parsed.GetRequiredValue(data));
            string[] words = [.. parsed.GetRequiredValue(scopes).SelectMany(
                text => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];
            (ApiKey key, string text) = await services.GetRequiredService<IApiKeys>().CreateAsync(parsed.GetRequiredValue(name),
                parsed.GetRequiredValue(tenant), words, EndOf(parsed.GetValue(expires), environment.Clock.GetUtcNow()), cancellationToken);
            // Alone on the output, for scripts.
            environment.Out.WriteLine(text);
            environment.Error.WriteLine($"Key {key.Id} ({key.Name}), tenant {key.Tenant}, scopes {string.Join(' ', key.Scopes)}, "
                + $"expires {Text(key.ExpiresAt, "never")}. Keep it now: it can't be shown again.");
            return ExitCode.Ok;
        });
        return command.WithNotes(Notes);
    }

    private static Command List(CliEnvironment environment)
    {
        Option<string> data = Data();
        var command = new Command("list", "Lists the keys, without their secrets.") { data };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using ServiceProvider services = Services(environment, ExistingFolder(parsed.GetRequiredValue(data)));
            IReadOnlyList<ApiKey> keys = await services.GetRequiredService<IApiKeys>().ListAsync(cancellationToken);
            DateTimeOffset now = environment.Clock.GetUtcNow();
            foreach (ApiKey key in keys)
            {
                string state = key.RevokedAt is not null ? $"revoked {Text(key.RevokedAt, "")}" : key.ExpiresAt <= now ? "expired" : "in force";
                environment.Out.WriteLine($"{key.Id}  {key.Name}  tenant {key.Tenant}  scopes {string.Join(' ', key.Scopes)}  "
                    + $"made {Text(key.CreatedAt, "")}  expires {Text(key.ExpiresAt, "never")}  {state}");
            }
            if (keys.Count == 0)
                environment.Out.WriteLine("no keys: the service needs none");
            return ExitCode.Ok;
        });
        return command.WithNotes(Notes);
    }

    private static Command Revoke(CliEnvironment environment)
    {
        Option<string> data = Data();
        var id = new Argument<string>("id") { Description = "The key's id, as list shows it: the part between the underscores." };
        var command = new Command("revoke", "Ends a key for good.") { id, data };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using ServiceProvider services = Services(environment, ExistingFolder(parsed.GetRequiredValue(data)));
            string asked = parsed.GetRequiredValue(id);
            ApiKey key = await services.GetRequiredService<IApiKeys>().RevokeAsync(ApiKeyText.IdOf(asked) ?? asked, cancellationToken)
                ?? throw CliException.BadInput("there is no key of that id: ebm keys list shows them");
            environment.Out.WriteLine($"revoked {key.Id} ({key.Name}); a running service refuses it after about a second");
            return ExitCode.Ok;
        });
        return command.WithNotes(Notes);
    }

    private static ServiceProvider Services(CliEnvironment environment, string folder) => new ServiceCollection()
        .AddMetrics().AddSingleton(environment.Clock).AddApiKeys(Path.GetFullPath(folder)).BuildServiceProvider();

    private static string ExistingFolder(string folder) =>
        Directory.Exists(folder) ? folder : throw CliException.BadInput($"there is no folder '{folder}': name the service's with --data");

    private static DateTimeOffset? EndOf(string? text, DateTimeOffset now)
    {
        if (text is null || text.Equals("never", StringComparison.OrdinalIgnoreCase))
            return null;
        if (text.Length > 1 && int.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count is > 0 and <= 100_000)
        {
            if (text[^1] == 'd')
                return now.AddDays(count);
            if (text[^1] == 'h')
                return now.AddHours(count);
        }
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
            out DateTimeOffset end)
            ? end : throw CliException.BadInput($"--expires: '{text}' is no time: write 12h, 30d or a date such as 2027-01-31");
    }

    private static string Text(DateTimeOffset? time, string none) => time?.ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture) ?? none;
}
