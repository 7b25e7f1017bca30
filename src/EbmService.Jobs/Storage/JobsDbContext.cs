using EbmService.Core.Jobs;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;

namespace EbmService.Jobs.Storage;

/// <summary>The jobs database. The model names no provider: times are UTC ticks, enums and documents are text.</summary>
internal sealed class JobsDbContext(DbContextOptions<JobsDbContext> options) : DbContext(options)
{
    public const int IdLength = 32;
    public const int MaxKeyLength = 255;
    public const int MaxTenantLength = 255;
    public const int HashLength = 64;
    public const int MaxWordLength = 32;
    public const int TraceParentLength = 55;

    public DbSet<JobRow> Jobs => Set<JobRow>();

    public DbSet<BlockRow> Blocks => Set<BlockRow>();

    public DbSet<IdempotencyRow> IdempotencyKeys => Set<IdempotencyRow>();

    public DbSet<ApiKeyRow> ApiKeys => Set<ApiKeyRow>();

    protected override void ConfigureConventions(ModelConfigurationBuilder configuration)
    {
        configuration.Properties<DateTimeOffset>().HaveConversion<UtcTicksConverter>();
        configuration.Properties<JobStatus>().HaveConversion<WordConverter<JobStatus>>().HaveMaxLength(MaxWordLength);
        configuration.Properties<BlockRowState>().HaveConversion<WordConverter<BlockRowState>>().HaveMaxLength(MaxWordLength);
    }

    protected override void OnModelCreating(ModelBuilder model)
    {
        model.Entity<JobRow>(job =>
        {
            job.ToTable("jobs").HasKey(row => row.Id);
            job.Property(row => row.Id).HasMaxLength(IdLength);
            job.Property(row => row.Extends).HasMaxLength(IdLength);
            job.Property(row => row.Tenant).HasMaxLength(MaxTenantLength);
            job.Property(row => row.Type).HasMaxLength(MaxWordLength);
            job.Property(row => row.TraceParent).HasMaxLength(TraceParentLength);
            job.Property(row => row.StopReason).HasMaxLength(MaxWordLength);
            job.HasIndex(row => new { row.Status, row.Id });
            job.HasIndex(row => new { row.ModelName, row.Id });
            job.HasIndex(row => new { row.Tenant, row.Id });
            // What a sweep asks of all jobs: the rows themselves, with their documents, are not read for it.
            job.HasIndex(row => new { row.FinishedAt, row.Status, row.Keep, row.StoredBytes, row.Id });
            job.HasMany(row => row.Blocks).WithOne().HasForeignKey(block => block.JobId).OnDelete(DeleteBehavior.Cascade);
        });
        model.Entity<BlockRow>(block =>
        {
            block.ToTable("blocks").HasKey(row => new { row.JobId, row.Index });
            block.Property(row => row.ResultSha256).HasMaxLength(HashLength);
        });
        model.Entity<IdempotencyRow>(key =>
        {
            key.ToTable("idempotency_keys").HasKey(row => row.Key);
            key.Property(row => row.Key).HasMaxLength(MaxKeyLength);
            key.HasOne<JobRow>().WithMany().HasForeignKey(row => row.JobId).OnDelete(DeleteBehavior.Cascade);
        });
        model.Entity<ApiKeyRow>(key =>
        {
            key.ToTable("api_keys").HasKey(row => row.Id);
            key.Property(row => row.Id).HasMaxLength(IdLength);
            key.Property(row => row.Tenant).HasMaxLength(MaxTenantLength);
            key.Property(row => row.Hash).HasMaxLength(HashLength);
        });
    }
}

internal sealed class UtcTicksConverter() : ValueConverter<DateTimeOffset, long>(
    time => time.UtcTicks,
    ticks => new DateTimeOffset(Math.Clamp(ticks, DateTimeOffset.MinValue.UtcTicks, DateTimeOffset.MaxValue.UtcTicks), TimeSpan.Zero));

/// <summary>
/// Enums as words. A word that this version does not know becomes a
/// value that is no member's: one row never breaks a query.
/// </summary>
internal sealed class WordConverter<TEnum>() : ValueConverter<TEnum, string>(value => value.ToString(), word => Parse(word))
    where TEnum : struct, Enum
{
    private static TEnum Parse(string word) =>
        Enum.TryParse(word, ignoreCase: true, out TEnum value) ? value : (TEnum)Enum.ToObject(typeof(TEnum), -1);
}

/// <summary>Lets <c>dotnet ef</c> make migrations without a host.</summary>
internal sealed class JobsDbContextDesignFactory : IDesignTimeDbContextFactory<JobsDbContext>
{
    public JobsDbContext CreateDbContext(string[] args) =>
        new(new DbContextOptionsBuilder<JobsDbContext>().UseSqlite("Data Source=design.db").Options);
}
