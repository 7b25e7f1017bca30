using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace EbmService.Jobs.Storage.Migrations
{
    /// <summary>Counts the attempts of a job that killed their process.</summary>
    [DbContext(typeof(JobsDbContext))]
    [Migration("20261127120000_Attempts")]
    public partial class Attempts : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<long>(
                name: "AttemptFrom",
                table: "jobs",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<int>(
                name: "FruitlessAttempts",
                table: "jobs",
                nullable: false,
                defaultValue: 0);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "AttemptFrom",
                table: "jobs");

            migrationBuilder.DropColumn(
                name: "FruitlessAttempts",
                table: "jobs");
        }
    }
}
